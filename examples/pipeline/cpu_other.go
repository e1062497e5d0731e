//go:build !unix

package pipeline

// coreSeconds returns 0: the processor time is not known here.
func coreSeconds() float64 { return 0 }
