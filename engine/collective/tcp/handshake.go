package tcp

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"alexnet/engine/collective"
	"alexnet/engine/collective/launcher"
)

// A connection begins with four messages of fixed lengths:
//
//	rank → 0   greeting  magic, lane, wire, rank, size, hash of the terms, nonce
//	0 → rank   magic, nonce
//	rank → 0   HMAC(token, "rank", greeting, nonce of 0)
//	0 → rank   verdict, HMAC(token, "rank 0", greeting, nonce of 0, verdict)
//
// So either side proves that it knows the token, for this connection and this
// rank only. After the verdict that the terms differ, both sides send theirs, so
// that both can say which:
//
//	0 → rank   length (u32), terms as JSON, HMAC(token, "terms of 0", greeting, nonce of 0, terms)
//	rank → 0   length (u32), terms as JSON, HMAC(token, "terms", greeting, nonce of 0, terms)

// magic names the protocol and its version.
const magic = "ALEXRNK2"

const (
	nonceSize    = 32
	greetingSize = len(magic) + 1 + 1 + 4 + 4 + sha256.Size + nonceSize
)

// longestTerms is in bytes of JSON.
const longestTerms = 1 << 18

// patience limits the time of a connection's handshake.
const patience = 10 * time.Second

// lane is one of a rank's two connections.
type lane uint8

const (
	laneControl lane = iota
	laneValues
	lanes
)

// greeting is a rank's description of itself.
type greeting struct {
	lane       lane
	wire       collective.Wire
	rank, size uint32
	terms      [sha256.Size]byte
}

// verdict is rank 0's answer.
type verdict uint8

const (
	welcome verdict = iota
	wrongToken
	wrongSize
	wrongWire
	wrongRank
	wrongTerms
)

var refusals = map[verdict]string{
	wrongToken: "this rank has another " + launcher.TokenVariable + " than rank 0: all ranks of a job have the same",
	wrongSize:  "rank 0 belongs to a job of another size: do two jobs use the same address?",
	wrongWire:  "rank 0 sends values in another format than this rank",
	wrongRank:  "the job has no such rank, or it is there already: are two processes started as the same rank?",
}

func (v verdict) err() error {
	if text := refusals[v]; text != "" {
		return refusedError(text)
	}
	return fmt.Errorf("verdict %d of rank 0", v)
}

// refusedError means that another try will not help.
type refusedError string

func (e refusedError) Error() string { return string(e) }

var errStranger = errors.New("it is no rank of a job")

func (g greeting) append(nonce []byte) []byte {
	b := append([]byte(magic), byte(g.lane), byte(g.wire))
	b = binary.LittleEndian.AppendUint32(b, g.rank)
	b = binary.LittleEndian.AppendUint32(b, g.size)
	b = append(b, g.terms[:]...)
	return append(b, nonce...)
}

func parseGreeting(b []byte) (greeting, error) {
	if len(b) != greetingSize || !bytes.HasPrefix(b, []byte(magic)) {
		return greeting{}, errStranger
	}
	b = b[len(magic):]
	return greeting{
		lane: lane(b[0]), wire: collective.Wire(b[1]), rank: binary.LittleEndian.Uint32(b[2:]), size: binary.LittleEndian.Uint32(b[6:]),
		terms: [sha256.Size]byte(b[10:]),
	}, nil
}

// proof returns a side's HMAC. No part of the message varies in length.
func proof(token, side string, greeting, nonce []byte, v ...byte) []byte {
	h := hmac.New(sha256.New, []byte(token))
	for _, part := range [][]byte{[]byte(side), {0}, greeting, nonce, v} {
		h.Write(part)
	}
	return h.Sum(nil)
}

const (
	sideRank, sideZero           = "rank", "rank 0"
	sideRankTerms, sideZeroTerms = "terms", "terms of 0"
)

// sendTerms sends a side's terms with the proof that they belong to this connection.
func sendTerms(conn net.Conn, token, side string, greeting, nonce []byte, terms collective.Terms) error {
	text, err := json.Marshal(terms)
	if err != nil {
		return err
	}
	if len(text) > longestTerms {
		text = []byte("[]")
	}
	b := binary.LittleEndian.AppendUint32(nil, uint32(len(text)))
	b = append(b, text...)
	_, err = conn.Write(append(b, proof(token, side, greeting, nonce, text...)...))
	return err
}

// readTerms reads the other side's terms.
func readTerms(conn net.Conn, token, side string, greeting, nonce []byte) (terms collective.Terms, err error) {
	var length [4]byte
	if _, err := io.ReadFull(conn, length[:]); err != nil {
		return nil, err
	}
	n := binary.LittleEndian.Uint32(length[:])
	if n > longestTerms {
		return nil, fmt.Errorf("terms of %d bytes: at most %d are supported", n, longestTerms)
	}
	b := make([]byte, n+sha256.Size)
	if _, err := io.ReadFull(conn, b); err != nil {
		return nil, err
	}
	text := b[:n]
	if !hmac.Equal(b[n:], proof(token, side, greeting, nonce, text...)) {
		return nil, errStranger
	}
	return terms, json.Unmarshal(text, &terms)
}

func newNonce() []byte {
	nonce := make([]byte, nonceSize)
	rand.Read(nonce) // never fails
	return nonce
}

// greet sends this rank's greeting to rank 0, and checks rank 0's proof, both within
// limit. The greeting holds the hash of the terms.
func greet(conn net.Conn, token string, g greeting, terms collective.Terms, limit time.Duration) error {
	if err := conn.SetDeadline(time.Now().Add(limit)); err != nil {
		return err
	}
	own := g.append(newNonce())
	if _, err := conn.Write(own); err != nil {
		return err
	}
	reply := make([]byte, len(magic)+nonceSize)
	if _, err := io.ReadFull(conn, reply); err != nil {
		return err
	}
	nonce, ok := bytes.CutPrefix(reply, []byte(magic))
	if !ok {
		return fmt.Errorf("what listens there is not rank 0: %w", errStranger)
	}
	if _, err := conn.Write(proof(token, sideRank, own, nonce)); err != nil {
		return err
	}
	answer := make([]byte, 1+sha256.Size)
	if _, err := io.ReadFull(conn, answer); err != nil {
		return err
	}
	v := verdict(answer[0])
	if v == wrongToken {
		return v.err() // rank 0 can't give a proof to a rank with another token
	}
	if !hmac.Equal(answer[1:], proof(token, sideZero, own, nonce, answer[0])) {
		return refusedError("what listens there doesn't know this job's " + launcher.TokenVariable)
	}
	if v == wrongTerms {
		theirs, err := readTerms(conn, token, sideZeroTerms, own, nonce)
		if err == nil {
			err = sendTerms(conn, token, sideRankTerms, own, nonce, terms)
		}
		if err != nil {
			return err
		}
		return &collective.TermsError{Differences: terms.Differences(fmt.Sprint("rank ", g.rank), theirs, "rank 0")}
	}
	if v != welcome {
		return v.err()
	}
	return conn.SetDeadline(time.Time{})
}

// admit reads a connection's greeting and checks its proof; then judge decides. An error
// means that the connection does not belong to the job. If only its terms differ, the
// error is a TermsError.
func admit(conn net.Conn, token string, terms collective.Terms, judge func(greeting) verdict) error {
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	theirs := make([]byte, greetingSize)
	if _, err := io.ReadFull(conn, theirs); err != nil {
		return fmt.Errorf("%w: %w", errStranger, err)
	}
	g, err := parseGreeting(theirs)
	if err != nil {
		return err
	}
	nonce := newNonce()
	if _, err := conn.Write(append([]byte(magic), nonce...)); err != nil {
		return err
	}
	shown := make([]byte, sha256.Size)
	if _, err := io.ReadFull(conn, shown); err != nil {
		return err
	}
	if !hmac.Equal(shown, proof(token, sideRank, theirs, nonce)) {
		_, err := conn.Write(append([]byte{byte(wrongToken)}, make([]byte, sha256.Size)...))
		return errors.Join(fmt.Errorf("it calls itself rank %d of %d and has another %s", g.rank, g.size, launcher.TokenVariable), err)
	}
	v := judge(g)
	if _, err := conn.Write(append([]byte{byte(v)}, proof(token, sideZero, theirs, nonce, byte(v))...)); err != nil {
		return err
	}
	if v == wrongTerms {
		err := sendTerms(conn, token, sideZeroTerms, theirs, nonce, terms)
		if err != nil {
			return err
		}
		other, err := readTerms(conn, token, sideRankTerms, theirs, nonce)
		if err != nil {
			return err
		}
		return &collective.TermsError{Differences: terms.Differences("rank 0", other, fmt.Sprint("rank ", g.rank))}
	}
	if v != welcome {
		return fmt.Errorf("it is rank %d of %d: %w", g.rank, g.size, v.err())
	}
	return conn.SetDeadline(time.Time{})
}
