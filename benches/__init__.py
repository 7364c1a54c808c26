"""Speed and accuracy of every stage, beside other engines: ``make bench``; docs in benches/README.md."""
