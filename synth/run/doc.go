// Package run makes the demonstrations of package synth in a directory, so that a program
// that was ended in any way goes on when it is started again, and pays for nothing twice.
//
//	manifest.json   the settings: models, prompts, numbers, seed, and versions by session
//	calls.jsonl     every reply of a model, under a hash of the request it answers
//	results.jsonl   a line a problem, in their order: demonstrations, first solutions, counts
//	lock            locked while a program works in the directory; a second one is refused
//
// The two JSON Lines files are only ever appended to, a line at a time. A last line
// that a crash has torn is cut away when the directory is opened. A problem with a
// line in results.jsonl is done. A problem without one is worked on again, and the replies
// that its agents had got come from calls.jsonl. So the file is the same in the end as if
// nothing had happened. Agents that are plain functions keep nothing there and work
// again on the few problems that were not done.
//
// Ctrl-C is a context that ends: no call begins after it, and calls in flight get a time
// of grace to finish, in which their replies are written.
package run
