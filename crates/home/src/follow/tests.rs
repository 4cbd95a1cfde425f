//! A follower against a scripted Home Assistant: text in, commands and snapshots out.
