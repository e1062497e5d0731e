// Package rundir has what a program needs to work in a directory over several runs,
// whether a run ends by itself, by a loss of power, by the system or by a person.
//
//   - a [Lock] keeps a second process out, and ends with its own process;
//   - [Checkpoints] are numbered directories. Save hashes a checkpoint, syncs it and renames it
//     into place, so that an interruption leaves all of it or none of it. A run verifies a
//     checkpoint before it continues from it;
//   - a [Log] is a JSON Lines file to which a program only appends. [OpenLog] opens a log whose
//     lines have checksums, and truncates it to the position of a checkpoint. [OpenLines] opens
//     a log with plain lines;
//   - [WriteFile] and [ReplaceDir] write a file and a directory. An interruption leaves the old
//     content or the new one, never a part;
//   - [CheckSettings] finds a setting that differs from those with which the directory was begun.
//
// A checkpoint may hold the [Cursor] of a log. Then sync the log before you save the
// checkpoint, and open the checkpoint before you open the log at its cursor. OpenLog removes
// the lines after the cursor, and the resumed run writes them again.
//
// Locks are those of github.com/gofrs/flock, which no other package of this library
// imports. The package also imports the standard library and coat.
package rundir
