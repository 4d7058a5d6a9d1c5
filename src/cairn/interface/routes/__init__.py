"""The handlers of the API's routes, a class for each kind: requests in, calls of a Store, answers out."""
