//! The wrapper: what it can be told, how it gets a slot and gives it back, and how it can end.

mod acquire;
mod ending;
mod help;
mod options;
mod release;
mod signals;
mod stop;
mod task;
mod trouble;
mod voice;

pub use self::{ending::Ending, options::Options, task::Task};
