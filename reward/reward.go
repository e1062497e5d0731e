package reward

import (
	"context"

	"github.com/satori-go/satori/coat"
)

// A Func scores an attempt. It must be safe for concurrent use. An error stops
// training; it is never a zero reward.
type Func func(ctx context.Context, a coat.Attempt) (float64, error)
