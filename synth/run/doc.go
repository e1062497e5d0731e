// Package run makes the demonstrations of package synth in a directory that survives:
// whatever ends the program, started again it goes on and pays for nothing twice.
//
//	manifest.json   what was asked for: models, prompts, numbers, seed, and versions by session
//	calls.jsonl     every reply of a model, under a hash of the request it answers
//	results.jsonl   a line a problem, in their order: demonstrations, first solutions, counts
//	lock            held while a program writes; a second one is refused
//
// The two JSON Lines files are only ever appended to, a line at a time. A last line
// that a crash has torn is cut away when the directory is opened. A problem with a
// line in results.jsonl is done. One without is worked on again, and the replies that
// its agents had got come from calls.jsonl, which is why the file at the end is the
// same as if nothing had happened. Agents that are plain functions keep nothing there
// and work again on the few problems that were open.
//
// Ctrl-C is a context that ends: no call is begun after it, those in flight get a time
// of grace to finish, and their replies are written.
package run
