//! What a guest is told.
