package model

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/satori-go/satori/model/chat"
	"github.com/satori-go/satori/model/gguf"
	"github.com/satori-go/satori/model/hf"
	"github.com/satori-go/satori/model/internal/filetest"
	"github.com/satori-go/satori/model/internal/modeltest"
)

// families are small models of every family that llama.cpp knows.
func families(t testing.TB, b Backend) map[string]*LM {
	t.Helper()
	list := map[string]*LM{}
	for family, n := range filetest.Families(t, b) {
		lm, err := NewLM(n, filetest.BytePairs(t))
		require.NoError(t, err)
		lm.tokenizerConfig = hf.NewTokenizerConfig("{{ messages[0].content }}")
		list[family] = lm
	}
	return list
}

// Special tokens are those of tokenizer_config.json, where config.json says something else,
// as that of DeepSeek's distilled models does of the first token. They and the templates
// come through Save and, as far as it has a place for them, SaveGGUF.
func TestSpecialTokensAreKept(t *testing.T) {
	b := modeltest.Backends(t)["go"]
	lm := families(t, b)["llama"]
	config := `{"tokenizer_class":"LlamaTokenizerFast","model_max_length":99,"bos_token":{"content":"<|im_start|>"},"eos_token":"<|im_end|>","unk_token":null,
		"chat_template":[{"name":"default","template":"{{ bos_token }}{{ messages[0].content }}"},{"name":"tool_use","template":"tools"}]}`
	dir := filepath.Join(t.TempDir(), "m")
	err := hf.SaveNet(lm.Net, dir, func(tmp string) error {
		if err := lm.tokenizer.Save(filepath.Join(tmp, "tokenizer.json")); err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(tmp, "tokenizer_config.json"), []byte(config), 0o644)
	})
	require.NoError(t, err)
	first, _ := lm.tokenizer.ID("<|im_start|>")
	if first == 0 || first == *lm.Config.BOS {
		t.Fatalf("<|im_start|> is %d", first)
	}
	check := func(lm *LM, named int) {
		t.Helper()
		template, err := lm.Template()
		require.NoError(t, err)
		text, err := template.Render(chat.Input{Messages: []chat.Message{{Content: "Hi"}}})
		if err != nil || text != "<|im_start|>Hi" {
			t.Errorf("%q, %v", text, err)
		}
		saved := filepath.Join(t.TempDir(), "saved")
		require.NoError(t, lm.Save(saved))
		if s, err := chat.ReadSources(saved); err != nil || len(s.Templates) != named {
			t.Errorf("%d templates, want %d, %v", len(s.Templates), named, err)
		}
	}
	lm, err = Open(b, dir)
	require.NoError(t, err)
	check(lm, 2)
	again := filepath.Join(t.TempDir(), "m")
	require.NoError(t, lm.Save(again))
	var fields map[string]any
	modeltest.ReadJSON(t, filepath.Join(again, "tokenizer_config.json"), &fields)
	if bos, _ := fields["bos_token"].(map[string]any); bos["content"] != "<|im_start|>" || fields["model_max_length"] != 99.0 || fields["tokenizer_class"] != "PreTrainedTokenizerFast" {
		t.Errorf("saved %v", fields)
	}
	if token, there := fields["unk_token"]; token != nil || !there {
		t.Errorf("unk_token %v", token)
	}
	lm, err = Open(b, again)
	require.NoError(t, err)
	check(lm, 2)
	file := filepath.Join(t.TempDir(), "m.gguf")
	require.NoError(t, lm.SaveGGUF(file, gguf.F32))
	lm, err = Open(b, file)
	require.NoError(t, err)
	if *lm.Config.BOS != first {
		t.Errorf("BOS %d, want %d", *lm.Config.BOS, first)
	}
	check(lm, 1)
}

// A model without a template says so, rather than render an empty prompt.
func TestNoTemplate(t *testing.T) {
	lm, err := Open(modeltest.Backends(t)["go"], filepath.Join("testdata", "llama-tiny"))
	require.NoError(t, err)
	if _, err := lm.Template(); err == nil || !strings.Contains(err.Error(), "the model has no chat template") {
		t.Errorf("error %v", err)
	}
}
