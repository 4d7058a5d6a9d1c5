"""Calls, tasks and threads, put in order: machinery that knows nothing of keys, chains or servers."""
