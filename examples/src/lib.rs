//! Small programs that show how MishPulse is used; `README.md` beside `src` lists them.
