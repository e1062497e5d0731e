package model

import (
	"context"

	"github.com/satori-go/satori/model/tokenizer"
)

// What other programs rely on.
var (
	_ func(string) (Backend, error)                              = OpenBackend
	_ func(Backend, string) (*LM, error)                         = Open
	_ func(*LM) *tokenizer.Tokenizer                             = (*LM).Tokenizer
	_ func(*LM, context.Context, [][]int32) ([][]float32, error) = (*LM).LogProbs
	_ func(*LM, context.Context, Request) ([]Completion, error)  = (*LM).Sample
	_ func(*LM, string) error                                    = (*LM).Save
	_ func(string) (*tokenizer.Tokenizer, error)                 = tokenizer.Open
	_ func(*tokenizer.Tokenizer, string) []int32                 = (*tokenizer.Tokenizer).Encode
	_ func(*tokenizer.Tokenizer, []int32) string                 = (*tokenizer.Tokenizer).Decode
)
