// Package rundir has what a program needs to work in a directory over several runs,
// whether a run ends by itself, by a loss of power, by the system or by a person.
//
//   - a [Lock] keeps a second process out, and ends with its own process;
//   - [Checkpoints] are numbered directories, each whole or not there: they are hashed,
//     synced and renamed into place, and verified before a run goes on from one;
//   - a [Log] is a file of JSON Lines that is only added to. [OpenLog] opens one whose
//     lines have checksums and that is cut back to where a checkpoint says; [OpenLines]
//     opens one with plain lines;
//   - [WriteFile] and [ReplaceDir] write a file and a directory, each whole or not at all;
//   - [CheckSettings] finds a setting that has changed since the directory was begun.
//
// A log and a checkpoint that holds its [Cursor] go together: sync the log, then save
// the checkpoint; open the checkpoint, then the log at its cursor. What was added to the
// log after the checkpoint is cut away, and made again by the run that goes on.
//
// Locks are those of github.com/gofrs/flock, which no other package of this library
// imports. Beside it the package imports the standard library and coat.
package rundir
