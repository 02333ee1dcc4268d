"""A trial trained again from its record: the same curve, or where it first differs and what may be the cause."""
