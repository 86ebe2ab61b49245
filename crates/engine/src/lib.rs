//! The nouns: containers, exec, events, health, restart, stats.
