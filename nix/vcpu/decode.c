/* A length decoder for x86-64.
 *
 * Source: the opcode maps of the Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2,
 * appendix A (one-byte map, 0F, 0F 38, 0F 3A; VEX and EVEX as in chapter 2), and AMD's XOP. */
#include "decode.h"

#include <stdbool.h>
#include <string.h>

enum { NONE, M = 1, I1 = 2, I2 = 4, I4 = 8, BAD = 16, GROUP3 = 32, WIDE = 64, MOFFS = 128 };

/* The one-byte map: M has a ModRM byte, I1, I2 and I4 an immediate of that many bytes (I4: two with 66). */
static unsigned one_byte(unsigned op)
{
    if (op < 0x40) {
        static const unsigned alu[8] = { M, M, M, M, I1, I4, BAD, BAD };
        return alu[op & 7];
    }
    if (op < 0x60) return NONE; /* 40-4F, the REX prefixes, never come here */
    if (op >= 0x70 && op < 0x80) return I1;
    if (op >= 0xb0 && op < 0xb8) return I1;
    if (op >= 0xb8 && op < 0xc0) return I4 | WIDE;
    if (op >= 0xd8 && op < 0xe0) return M;
    switch (op) {
    case 0x60: case 0x61: case 0x62: case 0x82: case 0x9a: case 0xce: case 0xd4: case 0xd5: case 0xd6: case 0xea:
        return BAD;
    case 0x63: return M;
    case 0x68: case 0xa9: return I4;
    case 0x69: case 0x81: case 0xc7: return M | I4;
    case 0x6a: case 0xa8: case 0xcd: case 0xeb: return I1;
    case 0x6b: case 0x80: case 0x83: case 0xc0: case 0xc1: case 0xc6: return M | I1;
    case 0xa0: case 0xa1: case 0xa2: case 0xa3: return MOFFS;
    case 0xc2: case 0xca: return I2;
    case 0xc8: return I2 | I1;
    case 0xe8: case 0xe9: return I4;
    case 0xf6: return M | I1 | GROUP3;
    case 0xf7: return M | I4 | GROUP3;
    }
    if (op >= 0x84 && op < 0x90) return M;
    if (op >= 0xd0 && op < 0xd4) return M;
    if (op >= 0xe0 && op < 0xe8) return I1;
    if (op >= 0xfe) return M;
    return NONE;
}

static unsigned two_byte(unsigned op)
{
    if (op >= 0x80 && op < 0x90) return I4;
    if (op >= 0xc8 && op < 0xd0) return NONE;
    switch (op) {
    case 0x04: case 0x0a: case 0x0c: case 0x24: case 0x25: case 0x26: case 0x27: case 0x36: case 0x39:
    case 0x3b: case 0x3c: case 0x3d: case 0x3e: case 0x3f: case 0x7a: case 0x7b: case 0xa6: case 0xa7:
        return BAD;
    case 0x05: case 0x06: case 0x07: case 0x08: case 0x09: case 0x0b: case 0x0e: case 0x77:
    case 0xa0: case 0xa1: case 0xa2: case 0xa8: case 0xa9: case 0xaa:
        return NONE;
    case 0x0f: case 0x70: case 0x71: case 0x72: case 0x73: case 0xa4: case 0xac: case 0xba:
    case 0xc2: case 0xc4: case 0xc5: case 0xc6:
        return M | I1;
    }
    if (op >= 0x30 && op < 0x38) return NONE;
    return M;
}

static bool approximate(const struct instruction *found)
{
    unsigned map = found->opcode >> 8, op = found->opcode & 0xff;
    if (map == 1 && (op == 0x52 || op == 0x53)) /* RSQRTPS/SS, RCPPS/SS and their VEX forms */
        return found->encoding != 2 && (found->prefix == 0 || found->prefix == 0xf3);
    /* EVEX: VRCP14 4C 4D, VRSQRT14 4E 4F (map 2), their FP16 kin (map 6) */
    return found->encoding == 2 && (map == 2 || map == 6) && op >= 0x4c && op <= 0x4f;
}

struct instruction decode(const uint8_t *code, size_t size)
{
    struct instruction none = { 0 }, found = { 0 };
    size_t at = 0;
    bool narrow = false, address32 = false, wide = false;
    unsigned rex = 0, map = 0, flags;

    /* Prefixes in any order, REX last. */
    for (;; at++) {
        if (at >= size || at > 14) return none;
        unsigned byte = code[at];
        if (byte == 0x66) narrow = true, found.prefix = found.prefix ? found.prefix : 0x66, rex = 0;
        else if (byte == 0xf2 || byte == 0xf3) found.prefix = byte, rex = 0;
        else if (byte == 0x67) address32 = true, rex = 0;
        else if (byte == 0xf0 || byte == 0x2e || byte == 0x36 || byte == 0x3e || byte == 0x26 || byte == 0x64 || byte == 0x65) rex = 0;
        else if (byte >= 0x40 && byte < 0x50) rex = byte;
        else break;
    }
    wide = rex & 8;
#define NEED(n) do { if (at + (n) > size || at + (n) > 15) return none; } while (0)
    unsigned op = code[at++];
    if (op == 0xc5) {
        NEED(2);
        static const unsigned prefixes[4] = { 0, 0x66, 0xf3, 0xf2 };
        found.encoding = 1;
        found.prefix = prefixes[code[at] & 3];
        found.vector = code[at] >> 2 & 1;
        map = 1;
        op = code[at + 1];
        at += 2;
    } else if (op == 0xc4 || op == 0x62 || (op == 0x8f && at < size && (code[at] & 0x1f) >= 8)) {
        static const unsigned prefixes[4] = { 0, 0x66, 0xf3, 0xf2 };
        unsigned more = op == 0x62 ? 4 : 3;
        NEED(more);
        found.encoding = op == 0x62 ? 2 : 1;
        map = code[at] & (op == 0x62 ? 7 : 0x1f);
        found.prefix = prefixes[code[at + 1] & 3];
        found.vector = op == 0x62 ? code[at + 2] >> 5 & 3 : code[at + 1] >> 2 & 1;
        if (op == 0x62 && !(code[at + 1] & 4)) return none;
        op = code[at + more - 1];
        at += more;
        if (!map || (map > 3 && map != 5 && map != 6 && (map < 8 || map > 10))) return none;
    } else if (op == 0x0f) {
        NEED(1);
        map = 1;
        op = code[at++];
        if (op == 0x38 || op == 0x3a) {
            map = op == 0x38 ? 2 : 3;
            NEED(1);
            op = code[at++];
        }
    }
    found.opcode = map << 8 | op;
    found.at = (unsigned)at - 1;
    switch (map) {
    case 0: flags = one_byte(op); break;
    case 1: flags = two_byte(op); break;
    case 3: case 8: flags = M | I1; break;
    case 10: flags = M | I4; break;
    default: flags = M; break;
    }
    if (found.encoding && map == 1 && op == 0x77) flags = NONE; /* VZEROUPPER */
    if (found.encoding == 2 && map == 1 && (op == 0x7a || op == 0x7b)) flags = M;
    if (flags & BAD) return none;

    if (flags & M) {
        NEED(1);
        unsigned modrm = code[at++], mod = modrm >> 6, rm = modrm & 7;
        if ((flags & GROUP3) && (modrm >> 3 & 7) > 1) flags &= ~(I1 | I4); /* only TEST has an immediate */
        if (map == 0 && op == 0xff) {
            unsigned which = modrm >> 3 & 7;
            if (which == 4 || which == 5) found.kind = LEAVES;
            if (which == 2 || which == 3) found.kind = LEAVES; /* a call pushes its address */
        }
        if (mod != 3) {
            if (rm == 4) {
                NEED(1);
                if ((code[at++] & 7) == 5 && mod == 0) at += 4;
            } else if (rm == 5 && mod == 0) {
                at += 4;
                found.kind = RELATIVE;
                found.relative = 1;
            }
            at += mod == 1 ? 1 : mod == 2 ? 4 : 0;
        }
    }
    if (flags & MOFFS) at += address32 ? 4 : 8;
    size_t immediate = at;
    if (flags & I1) at += 1;
    if (flags & I2) at += 2;
    if (flags & I4) {
        bool branch = (map == 0 && (op == 0xe8 || op == 0xe9)) || (map == 1 && op >= 0x80 && op < 0x90);
        at += (flags & WIDE) && wide ? 8 : narrow && !branch && !wide ? 2 : 4;
    }
    if (at > size || at > 15) return none;
    found.length = (unsigned)at;

    if (found.encoding == 0) {
        if (map == 0 && ((op >= 0x70 && op < 0x80) || (op >= 0xe0 && op < 0xe4) || op == 0xeb)) {
            found.kind = BRANCH;
            found.target = (int64_t)at + (int8_t)code[immediate];
        } else if ((map == 0 && (op == 0xe8 || op == 0xe9)) || (map == 1 && op >= 0x80 && op < 0x90)) {
            int32_t distance;
            memcpy(&distance, code + immediate, 4);
            found.kind = BRANCH;
            found.target = (int64_t)at + distance;
        } else if (map == 0 && (op == 0xc2 || op == 0xc3 || op == 0xca || op == 0xcb || op == 0xcc || op == 0xcd || op == 0xcf || op == 0xf4)) {
            found.kind = LEAVES;
        } else if (map == 1 && (op == 0x05 || op == 0x34 || op == 0x0b)) {
            found.kind = LEAVES; /* a system call hands its address to the kernel */
        } else if (map == 1 && op == 0xa2) {
            found.kind = CPUID;
        }
    }
    if (approximate(&found)) found.kind = APPROXIMATE;
    return found;
}
