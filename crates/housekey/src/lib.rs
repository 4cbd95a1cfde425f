//! housekey
