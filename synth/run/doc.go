// Package run makes the demonstrations of package synth in a directory. A program that was
// interrupted resumes when it is started again. Replies of models are kept on disk, so that no
// call is paid for twice.
//
//	manifest.json   the settings: models, prompts, numbers, seed, and versions by session
//	calls.jsonl     every reply of a model, under a hash of the request it answers
//	results.jsonl   a line a problem, in their order: demonstrations, first solutions, counts
//	lock            locked while a program works in the directory; a second one is refused
//
// The two JSON Lines files are only ever appended to, a line at a time. A last line
// that a crash has left incomplete is removed when the directory is opened. A problem with a
// line in results.jsonl is done. A problem without one is worked on again, and the replies
// that its agents had got come from calls.jsonl. So a resumed run ends with the same
// results.jsonl as a run without an interruption. Agents that are plain functions write nothing
// into calls.jsonl, and work again on the few problems that were not done.
//
// When its context ends (Ctrl-C) the run begins no more calls. Calls in flight get a period of
// grace to finish, and their replies are written.
package run
