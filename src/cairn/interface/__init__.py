"""Layer 1: takes requests. The HTTP API, the sites, live updates.

    carrier | peers    connections, whatever HTTP they speak; what other processes of the operator ask over a link
    app | sites        from a request to the handler that answers it; front ends
    routes | live      the handlers of the API; chains as they grow
    admission          who may call, how often, and who pays
    http | numbers     requests and answers as handlers see them; what is counted

Imports point down this list, never up and never sideways. import-linter checks it.
"""
