"""What is counted: by this process, by those that serve together with it, and in the past."""
