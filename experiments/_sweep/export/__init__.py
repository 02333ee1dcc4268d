"""What a sweep found, as a folder for others: weights, configuration, card, and what loads them with torch alone."""
