//! What a write outlives.

/// What a write outlives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// The end of the process, however it comes. After a power cut or a crash of the machine the last writes may be
    /// missing.
    #[default]
    Normal,
    /// Also a power cut, if the disk keeps its word: each write waits for the disk.
    Full,
}
