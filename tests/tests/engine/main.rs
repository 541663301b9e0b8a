//! The engine: scenarios as text, and the simulator.

mod scenarios;
mod simulator;
mod table;
