"""What other processes of the same operator are answered over a link: a whole Store, or hot blocks alone."""
