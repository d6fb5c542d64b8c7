//! The wrapper: what it can be told, and how it can end.

mod ending;
mod help;
mod options;
mod task;
mod voice;

pub use self::{ending::Ending, options::Options, task::Task};
