package tokenizer

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestClone(t *testing.T) {
	words, err := NewWordLevel([]string{"one", "two"}, []string{"<a>"})
	require.NoError(t, err)
	n := words.Len()
	c := words.Clone()
	added, err := c.AddSpecial("<b>", "two")
	require.NoError(t, err)
	id := added[0]
	if _, ok := words.ID("<b>"); ok || words.Len() != n || words.IsSpecial(1) {
		t.Error("the original has changed")
	}
	ids := c.Encode("one <b> two <a>")
	if !slices.Contains(ids, id) || c.Len() != n+1 || !c.IsSpecial(id) {
		t.Errorf("ids %v", ids)
	}
}
