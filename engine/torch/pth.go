package torch

import (
	"archive/zip"
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/big"
	"path"
	"slices"

	"alexnet/engine"
)

// torch.save writes a pickle whose tensors refer to storages, and the storages' bytes:
// since PyTorch 1.6 as entries of a zip archive without compression (NAME/data.pkl,
// NAME/data/0, …; torch/serialization.py), before as four pickles and then the storages
// one after the other.

// legacyMagic is the first pickle of a file before PyTorch 1.6.
const legacyMagic = "119547037146038801333356"

// mostPickle limits the bytes of a zip archive's pickle. A net of this project has some
// KB, an optimiser some hundred.
const mostPickle = 16 << 20

// dtypes are the safetensors types of PyTorch's storages.
var dtypes = map[string]string{"FloatStorage": "F32", "HalfStorage": "F16", "BFloat16Storage": "BF16", "DoubleStorage": "F64", "LongStorage": "I64"}

// storage is the position of a storage's numbers in the file.
type storage struct {
	dtype string
	at    int64
	count int64
	known bool // at is set
}

// view is a tensor: a part of a storage.
type view struct {
	of             *storage
	first          int64
	shape, strides []int
}

// isPickle reports whether a file's first bytes are those of torch.save.
func isPickle(head []byte) bool {
	return bytes.HasPrefix(head, []byte("PK")) || bytes.HasPrefix(head, []byte{0x80, 2})
}

// openPickle reads a file of torch.save as data: nothing in it runs. In a training
// checkpoint it reads "state_dict" or "model".
func openPickle(r io.ReaderAt, size int64) (*engine.Safetensors, error) {
	var head [2]byte
	if _, err := r.ReadAt(head[:], 0); err != nil {
		return nil, err
	}
	read := legacyPickle
	if string(head[:]) == "PK" {
		read = zippedPickle
	}
	root, err := read(r, size)
	if err != nil {
		return nil, fmt.Errorf("%w; in Python, safetensors.torch.save_file(model.state_dict(), \"net.safetensors\") writes a file that can be imported", err)
	}
	dict, err := stateDict(root)
	if err != nil {
		return nil, err
	}
	var tensors []engine.Placed
	for i, key := range dict.keys {
		name, ok := key.(string)
		v, isView := dict.values[i].(*view)
		if !ok || !isView {
			continue // _metadata, a counter
		}
		tensors = append(tensors, engine.Placed{
			Name: name, DType: v.of.dtype, Shape: v.shape, Strides: v.strides, At: v.of.at, First: v.first, Count: v.of.count,
		})
	}
	return engine.PlacedTensors(r, size, tensors)
}

// stateDict finds the tensors by name.
func stateDict(root any) (*pickledDict, error) {
	dict := asDict(root)
	if dict == nil {
		return nil, errors.New("no state dict: torch.save(model.state_dict(), file) writes one, torch.save(model, file) a whole program")
	}
	for _, key := range []string{"state_dict", "model_state_dict", "model"} {
		if i := slices.Index(dict.keys, any(key)); i >= 0 {
			if inner := asDict(dict.values[i]); inner != nil {
				dict = inner
			}
		}
	}
	tensors := &pickledDict{keys: dict.keys, values: make([]any, len(dict.values))}
	for i, value := range dict.values {
		v, err := asView(value)
		if err != nil {
			return nil, fmt.Errorf("tensor %d of the state dict: %w", i+1, err)
		}
		if v != nil {
			tensors.values[i] = v
		}
	}
	return tensors, nil
}

// asDict returns a dict or an OrderedDict, or nil for anything else.
func asDict(v any) *pickledDict {
	switch v := v.(type) {
	case *pickledDict:
		return v
	case *pickledCall:
		if v.function == (pickledGlobal{"collections", "OrderedDict"}) {
			return &v.items
		}
	}
	return nil
}

// asView returns a tensor or parameter, or nil for anything else.
func asView(v any) (*view, error) {
	c, ok := v.(*pickledCall)
	if !ok {
		return nil, nil
	}
	switch c.function {
	case pickledGlobal{"torch._utils", "_rebuild_parameter"}:
		if inner, ok := first(c.args).(*pickledCall); ok && inner.function != c.function { // a parameter can't be made of a parameter
			return asView(inner)
		}
	case pickledGlobal{"torch._utils", "_rebuild_tensor_v2"}, pickledGlobal{"torch._utils", "_rebuild_tensor"}:
		if len(c.args) < 4 {
			break
		}
		of, ok1 := c.args[0].(*storage)
		first, ok2 := c.args[1].(int64)
		shape, ok3 := integers(c.args[2])
		strides, ok4 := integers(c.args[3])
		if !ok1 || !ok2 || !ok3 || !ok4 || len(shape) != len(strides) {
			break
		}
		if of.dtype == "" {
			return nil, errors.New("its numbers are of a type that no net here has")
		}
		if !of.known {
			return nil, errors.New("its numbers are not in the file")
		}
		return &view{of, first, shape, strides}, nil
	default:
		return nil, nil
	}
	return nil, errors.New("a tensor that cannot be read")
}

func first(items []any) any {
	if len(items) == 0 {
		return nil
	}
	return items[0]
}

func integers(v any) ([]int, bool) {
	items, ok := v.([]any)
	list := make([]int, len(items))
	for i, item := range items {
		n, isInt := item.(int64)
		list[i] = int(n)
		ok = ok && isInt
	}
	return list, ok
}

// storageOf reads a persistent id: ("storage", type, key, location, count, …).
func storageOf(id any) (key string, s *storage, err error) {
	if items, ok := id.([]any); ok && len(items) >= 5 && items[0] == "storage" {
		kind, ok1 := items[1].(pickledGlobal)
		key, ok2 := items[2].(string)
		count, ok3 := items[4].(int64)
		if ok1 && ok2 && ok3 && count >= 0 {
			return key, &storage{dtype: dtypes[kind.name], count: count}, nil
		}
	}
	return "", nil, errors.New("it refers to something that is no storage of numbers")
}

// zippedPickle reads the archive of PyTorch since 1.6.
func zippedPickle(r io.ReaderAt, size int64) (any, error) {
	archive, err := zip.NewReader(r, size)
	if err != nil {
		return nil, err
	}
	entries := map[string]*zip.File{}
	root := ""
	for _, f := range archive.File {
		entries[f.Name] = f
		if path.Base(f.Name) == "data.pkl" {
			root = path.Dir(f.Name)
		}
	}
	f := entries[path.Join(root, "data.pkl")]
	if f == nil || f.UncompressedSize64 > mostPickle {
		return nil, errors.New("a zip archive that torch.save didn't write: it has no data.pkl")
	}
	if f := entries[path.Join(root, "byteorder")]; f != nil {
		if text, err := readEntry(f, 16); err != nil || string(text) != "little" {
			return nil, errors.New("numbers in the order of another machine")
		}
	}
	b, err := readEntry(f, mostPickle)
	if err != nil {
		return nil, err
	}
	return unpickle(bufio.NewReader(bytes.NewReader(b)), func(id any) (any, error) {
		key, s, err := storageOf(id)
		if err != nil {
			return nil, err
		}
		e := entries[path.Join(root, "data", key)]
		if e == nil || e.Method != zip.Store {
			return s, nil
		}
		s.at, err = e.DataOffset()
		if limit := int64(e.UncompressedSize64); s.dtype != "" {
			s.count = min(s.count, limit/engine.DTypeSize(s.dtype))
		}
		s.known = true
		return s, err
	})
}

func readEntry(f *zip.File, most int64) ([]byte, error) {
	e, err := f.Open()
	if err != nil {
		return nil, err
	}
	defer e.Close()
	return io.ReadAll(io.LimitReader(e, most))
}

// legacyPickle reads the form before PyTorch 1.6: a magic number, a version, the machine,
// the object, and the keys of the storages. Then come the storages, each after its number
// of elements.
func legacyPickle(r io.ReaderAt, size int64) (any, error) {
	at := &position{r: io.NewSectionReader(r, 0, size)}
	in := bufio.NewReader(at)
	storages := map[string]*storage{}
	persistent := func(id any) (any, error) {
		key, s, err := storageOf(id)
		if err != nil {
			return nil, err
		}
		if known := storages[key]; known != nil {
			return known, nil
		}
		storages[key] = s
		return s, nil
	}
	var parts [5]any
	for i := range parts {
		var err error
		if parts[i], err = unpickle(in, persistent); err != nil {
			return nil, err
		}
		if magic, ok := parts[0].(*big.Int); !ok || magic.String() != legacyMagic {
			return nil, errors.New("a pickle that torch.save didn't write")
		}
	}
	keys, ok := parts[4].(*list)
	if !ok {
		return nil, errors.New("no list of storages")
	}
	offset := at.n - int64(in.Buffered())
	for _, key := range keys.items {
		name, _ := key.(string)
		s := storages[name]
		if s == nil || s.dtype == "" {
			return nil, fmt.Errorf("storage %q is of a type that no net here has", name)
		}
		var count [8]byte
		if _, err := r.ReadAt(count[:], offset); err != nil {
			return nil, err
		}
		if got := int64(binary.LittleEndian.Uint64(count[:])); got != s.count {
			return nil, fmt.Errorf("storage %q has %d numbers, and %d in the pickle", name, got, s.count)
		}
		s.at, s.known = offset+8, true
		offset = s.at + s.count*engine.DTypeSize(s.dtype)
		if offset > size || offset < s.at {
			return nil, errors.New("the file is truncated")
		}
	}
	return parts[3], nil
}

// position counts the bytes that have been read.
type position struct {
	r io.Reader
	n int64
}

func (p *position) Read(b []byte) (int, error) {
	n, err := p.r.Read(b)
	p.n += int64(n)
	return n, err
}
