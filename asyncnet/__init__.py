"""asyncnet: asynchronous seats for live networking forums."""
