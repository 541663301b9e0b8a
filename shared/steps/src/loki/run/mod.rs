//! How the step acts: page after page until every entry is counted, or one query of numbers.

mod entries;
mod pages;
mod runner;
