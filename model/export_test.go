package model

import (
	"testing"

	"github.com/satori-go/satori/model/internal/filetest"
	"github.com/satori-go/satori/model/internal/modeltest"
)

// What tests outside of the package take of those inside.

func XBackends(t testing.TB) map[string]Backend { return modeltest.Backends(t) }

func XFamily(t testing.TB, b Backend, name string) *LM { return families(t, b)[name] }

func XLlamaServer(t *testing.T, path string) string { return filetest.LlamaServer(t, path) }

// XUnspeakable are the tokens whose text llama.cpp's server cannot give alone, see nextTokens.
func XUnspeakable(lm *LM) [][]any { return filetest.Unspeakable(lm.tokenizer) }
