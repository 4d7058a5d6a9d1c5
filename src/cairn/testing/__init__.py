"""What a Store's author needs: the contract suite, faults, clocks."""
