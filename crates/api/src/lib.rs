//! The Docker Engine HTTP API and our own routes: parse, call, convert.
