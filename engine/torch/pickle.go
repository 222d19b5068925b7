package torch

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"math/big"
	"strings"
)

// unpickle reads a pickle (docs.python.org/3/library/pickletools.html) as data, without
// calling anything. A call in the pickle becomes a pickledCall, so that readers can
// handle the few calls that they know. persistent returns the value of a persistent id.
//
// Values are nil, bool, int64, float64, string, []byte, []any (tuples and lists),
// *pickledDict, pickledGlobal, *pickledCall, and the results of persistent.
func unpickle(r *bufio.Reader, persistent func(id any) (any, error)) (any, error) {
	p := &unpickler{r: r, persistent: persistent, memo: map[uint32]any{}}
	// A byte of a pickle may take a hundred bytes of memory.
	for range mostInstructions {
		done, err := p.step()
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return nil, fmt.Errorf("pickle: %w", err)
		}
		if done {
			return p.pop()
		}
	}
	return nil, fmt.Errorf("pickle: more than %d instructions: it holds more than a state dict does", mostInstructions)
}

// mostInstructions limits the instructions of a pickle; a state dict has some twenty
// for each tensor.
const mostInstructions = 1 << 20

// pickledGlobal names a class or function.
type pickledGlobal struct{ module, name string }

func (g pickledGlobal) String() string { return g.module + "." + g.name }

// pickledCall is a function call, which isn't executed.
type pickledCall struct {
	function any
	args     []any
	items    pickledDict // set later, as in an OrderedDict
}

// pickledDict holds keys and values in their order.
type pickledDict struct{ keys, values []any }

// list is a list that grows after it has been put in a memo.
type list struct{ items []any }

// mark separates the items of a tuple from the items below them on the stack.
type mark struct{}

type unpickler struct {
	r          *bufio.Reader
	persistent func(id any) (any, error)
	stack      []any
	memo       map[uint32]any
}

// longest limits the bytes of a name or number in a pickle. Names of tensors and classes
// have some dozens.
const longest = 1 << 16

func (p *unpickler) push(v any) { p.stack = append(p.stack, v) }

var errStack = errors.New("the stack is empty")

func (p *unpickler) pop() (any, error) {
	if len(p.stack) == 0 {
		return nil, errStack
	}
	v := p.stack[len(p.stack)-1]
	p.stack = p.stack[:len(p.stack)-1]
	return v, nil
}

// popMark removes and returns everything above the last mark.
func (p *unpickler) popMark() ([]any, error) {
	for i := len(p.stack) - 1; i >= 0; i-- {
		if _, ok := p.stack[i].(mark); ok {
			items := append([]any(nil), p.stack[i+1:]...)
			p.stack = p.stack[:i]
			return items, nil
		}
	}
	return nil, errors.New("no mark on the stack")
}

func (p *unpickler) bytes(n uint64) ([]byte, error) {
	if n > longest {
		return nil, fmt.Errorf("a value of %d bytes: it holds more than a state dict does", n)
	}
	b := make([]byte, n)
	_, err := io.ReadFull(p.r, b)
	return b, err
}

// number reads a little-endian number of n bytes.
func (p *unpickler) number(n int) (uint64, error) {
	b, err := p.bytes(uint64(n))
	if err != nil {
		return 0, err
	}
	return binary.LittleEndian.Uint64(append(b, 0, 0, 0, 0, 0, 0, 0)[:8]), nil
}

// text reads a string whose length is stored in n bytes.
func (p *unpickler) text(n int) (string, error) {
	size, err := p.number(n)
	if err != nil {
		return "", err
	}
	b, err := p.bytes(size)
	return string(b), err
}

func (p *unpickler) line() (string, error) {
	s, err := p.r.ReadSlice('\n')
	return strings.TrimSuffix(string(s), "\n"), err
}

// tuples of fixed numbers of items.
var tuples = map[byte]int{')': 0, 0x85: 1, 0x86: 2, 0x87: 3}

// step executes one instruction. done is true for the last one.
func (p *unpickler) step() (done bool, err error) {
	op, err := p.r.ReadByte()
	if err != nil {
		return false, err
	}
	var n uint64
	switch op {
	case 0x80: // PROTO
		_, err = p.number(1)
	case 0x95: // FRAME
		_, err = p.bytes(8)
	case '.': // STOP
		return true, nil
	case '(': // MARK
		p.push(mark{})
	case 'N': // NONE
		p.push(nil)
	case 0x88, 0x89: // NEWTRUE, NEWFALSE
		p.push(op == 0x88)
	case 'K', 'M': // BININT1, BININT2
		n, err = p.number(map[byte]int{'K': 1, 'M': 2}[op])
		p.push(int64(n))
	case 'J': // BININT
		n, err = p.number(4)
		p.push(int64(int32(n)))
	case 0x8a: // LONG1
		return false, p.long()
	case 'G': // BINFLOAT, big-endian
		var b []byte
		if b, err = p.bytes(8); err == nil {
			p.push(math.Float64frombits(binary.BigEndian.Uint64(b)))
		}
	case 'X', 'T', 0x8c, 'U': // BINUNICODE, BINSTRING, SHORT_BINUNICODE, SHORT_BINSTRING
		var s string
		s, err = p.text(map[byte]int{'X': 4, 'T': 4, 0x8c: 1, 'U': 1}[op])
		p.push(s)
	case 'B', 'C': // BINBYTES, SHORT_BINBYTES
		var s string
		s, err = p.text(map[byte]int{'B': 4, 'C': 1}[op])
		p.push([]byte(s))
	case '}': // EMPTY_DICT
		p.push(&pickledDict{})
	case ']': // EMPTY_LIST
		p.push(&list{})
	case ')', 0x85, 0x86, 0x87: // EMPTY_TUPLE, TUPLE1, TUPLE2, TUPLE3
		k := tuples[op]
		if len(p.stack) < k {
			return false, errStack
		}
		at := len(p.stack) - k
		items := append([]any(nil), p.stack[at:]...)
		p.stack = append(p.stack[:at], items)
	case 't': // TUPLE
		var items []any
		items, err = p.popMark()
		p.push(items)
	case 'a', 'e', 's', 'u', 'b': // APPEND, APPENDS, SETITEM, SETITEMS, BUILD
		return false, p.fill(op)
	case 'R', 0x81: // REDUCE, NEWOBJ
		return false, p.call()
	case 'c': // GLOBAL
		var g pickledGlobal
		if g.module, err = p.line(); err == nil {
			g.name, err = p.line()
		}
		p.push(g)
	case 0x93: // STACK_GLOBAL
		var module, name any
		if name, err = p.pop(); err == nil {
			module, err = p.pop()
		}
		m, ok1 := module.(string)
		s, ok2 := name.(string)
		if err == nil && !(ok1 && ok2) {
			err = errors.New("a class without a name")
		}
		p.push(pickledGlobal{m, s})
	case 'Q': // BINPERSID
		var id any
		if id, err = p.pop(); err == nil {
			id, err = p.persistent(id)
		}
		p.push(id)
	case 'q', 'r', 0x94: // BINPUT, LONG_BINPUT, MEMOIZE
		n = uint64(len(p.memo))
		if op != 0x94 {
			n, err = p.number(map[byte]int{'q': 1, 'r': 4}[op])
		}
		if len(p.stack) == 0 {
			return false, errStack
		}
		p.memo[uint32(n)] = p.stack[len(p.stack)-1]
	case 'h', 'j': // BINGET, LONG_BINGET
		n, err = p.number(map[byte]int{'h': 1, 'j': 4}[op])
		v, ok := p.memo[uint32(n)]
		if err == nil && !ok {
			err = fmt.Errorf("nothing is stored under %d", n)
		}
		p.push(v)
	case '0': // POP
		_, err = p.pop()
	default:
		err = fmt.Errorf("instruction %#02x: it holds more than a state dict does", op)
	}
	return false, err
}

// long reads an integer of any length. One that int64 cannot hold is a *big.Int.
func (p *unpickler) long() error {
	n, err := p.number(1)
	if err != nil {
		return err
	}
	b, err := p.bytes(n)
	if err != nil {
		return err
	}
	negative := len(b) > 0 && b[len(b)-1] >= 0x80
	for i, j := 0, len(b)-1; i < j; i, j = i+1, j-1 {
		b[i], b[j] = b[j], b[i]
	}
	v := new(big.Int).SetBytes(b)
	if negative {
		v.Sub(v, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
	}
	if v.IsInt64() {
		p.push(v.Int64())
	} else {
		p.push(v)
	}
	return nil
}

// fill adds items to the value below them on the stack.
func (p *unpickler) fill(op byte) error {
	var items []any
	var err error
	switch op {
	case 'e', 'u':
		items, err = p.popMark()
	case 's':
		items = make([]any, 2)
		for i := range items {
			if items[1-i], err = p.pop(); err != nil {
				return err
			}
		}
	default:
		items = make([]any, 1)
		items[0], err = p.pop()
	}
	if err != nil {
		return err
	}
	if len(p.stack) == 0 {
		return errStack
	}
	switch to := p.stack[len(p.stack)-1].(type) {
	case *list:
		to.items = append(to.items, items...)
	case *pickledDict:
		return to.set(op, items)
	case *pickledCall:
		return to.items.set(op, items)
	case pickledGlobal, mark, nil, bool, int64, float64, string, []any, []byte, *big.Int:
		if op != 'b' {
			return fmt.Errorf("items for a %T", to)
		}
	}
	return nil
}

// set sets items: key, value, key, value, … The state of an object is ignored.
func (d *pickledDict) set(op byte, items []any) error {
	if op == 'b' {
		return nil
	}
	if len(items)%2 != 0 {
		return errors.New("a key without a value")
	}
	for i := 0; i < len(items); i += 2 {
		d.keys, d.values = append(d.keys, items[i]), append(d.values, items[i+1])
	}
	return nil
}

// call records a call without executing it.
func (p *unpickler) call() error {
	args, err := p.pop()
	if err != nil {
		return err
	}
	function, err := p.pop()
	if err != nil {
		return err
	}
	tuple, ok := args.([]any)
	if !ok {
		return errors.New("a call without arguments")
	}
	p.push(&pickledCall{function: function, args: tuple})
	return nil
}
