//! What the programs that ask for slots have in common: how they are told what to do, what this host is
//! called, what they say while they wait, and what ends the waiting.

pub(crate) mod host;
pub(crate) mod place;
pub(crate) mod replace;
pub(crate) mod signals;
pub(crate) mod start;
pub(crate) mod stderr;
pub(crate) mod stop;
pub(crate) mod text;
pub(crate) mod trouble;
pub(crate) mod voice;
pub(crate) mod words;
