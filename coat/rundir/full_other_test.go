//go:build !linux

package rundir

func fullDisk(string) int { return 2 }
