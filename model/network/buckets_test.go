package network

import (
	"slices"
	"testing"

	"github.com/satori-go/satori/model/backend"
	"github.com/satori-go/satori/model/decoder"
	"github.com/satori-go/satori/model/internal/device"
	"github.com/satori-go/satori/model/internal/modeltest"
)

// small makes a small network.
func small(t *testing.T, b backend.Backend) *Net {
	t.Helper()
	n, err := New(b, decoder.Config{VocabSize: 23, Dim: 32, IntermediateSize: 40, Layers: 1, Heads: 4, MaxPositions: 128, EOS: 1}, 7)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestWidth(t *testing.T) {
	modeltest.Each(t, func(t *testing.T, b backend.Backend) {
		want := []int{8, 16, 24, 32, 40, 48, 56, 64}
		if device.IsXLA(b) {
			want = []int{16, 32, 64, 96, 128, 192, 256, 384, 512, 768, 1024}
		}
		n := small(t, b)
		var got []int
		for tokens := range want[len(want)-1] + 1 {
			w := n.Width(tokens)
			if w < tokens {
				t.Fatalf("Width(%d) = %d", tokens, w)
			}
			if len(got) == 0 || w != got[len(got)-1] {
				got = append(got, w)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("widths %v, want %v", got, want)
		}
	})
}
