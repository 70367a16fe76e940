//! Who finds what again, and who does not.
