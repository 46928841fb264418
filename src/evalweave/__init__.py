"""evalweave: difference-in-differences on GP practice records, woven together with qualitative themes."""
