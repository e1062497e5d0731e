//go:build !unix

package main

// coreSeconds is not known here.
func coreSeconds() float64 { return 0 }
