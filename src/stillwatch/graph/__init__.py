"""Graph: owners, rarity, evidence links, similarity of phrasebooks, communities, layouts."""
