"""The carrier: a Store that asks a server over HTTP. Nothing here knows a key, and nothing that comes is believed."""
