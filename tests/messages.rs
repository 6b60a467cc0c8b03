//! Every message has a row in docs/messages.md.
