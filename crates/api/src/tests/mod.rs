//! The wire rules, each with raw bytes on a socket against a fake engine. Numbers are those of our list of
//! what Docker's clients rely on beyond the published API.

mod document;
mod endpoints;
mod hijacked;
mod images;
mod lifecycle;
mod rules;
mod streams;
