// Package rundir holds what a program needs to work in a directory over several runs,
// whatever ends each of them: power, the system, a person.
//
//   - [Lock] keeps a second process out, and lets go when its holder dies;
//   - [Checkpoints] are numbered directories, each whole or not there: hashed, synced
//     and renamed into place, and verified before one is gone on with;
//   - a [Log] is a file of JSON Lines that is only added to, each line with a checksum
//     of all lines up to it, and cut back to where a checkpoint says.
//   - [WriteFile] and [ReplaceDir] write a file and a directory, each whole or not at all.
//
// A checkpoint that holds a log's [Cursor] makes the two one: sync the log, then save
// the checkpoint; open the checkpoint, then the log at its cursor. What was added to the
// log after the checkpoint is cut away, and made again by the run that goes on.
//
// The package needs the standard library alone.
package rundir
