//! Law P2 and the indices, over random histories of a small house.
