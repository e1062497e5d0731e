//go:build tuned

package main

import "github.com/satori-go/satori/model/backend/allocator"

func init() { allocator.Tune() }
