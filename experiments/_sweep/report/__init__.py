"""The page of `sweep report`: one file of HTML that says what a sweep found, to whom has seen nothing else of it."""
