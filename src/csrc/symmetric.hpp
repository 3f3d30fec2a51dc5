// Symmetric 3 x 3 matrices, as their six entries xx, xy, xz, yy, yz, zz; and 3-vectors.
#pragma once

namespace {

// C v, for the six entries of a symmetric C.
template <class Number>
inline void multiply(const Number (&c)[6], const Number (&v)[3], Number (&out)[3]) {
    out[0] = c[0] * v[0] + c[1] * v[1] + c[2] * v[2];
    out[1] = c[1] * v[0] + c[3] * v[1] + c[4] * v[2];
    out[2] = c[2] * v[0] + c[4] * v[1] + c[5] * v[2];
}

template <class Number>
inline Number dot(const Number (&a)[3], const Number (&b)[3]) {
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

// out += factor a x b
template <class Number>
inline void add_cross(const Number& factor, const Number (&a)[3], const Number (&b)[3], Number (&out)[3]) {
    out[0] += factor * (a[1] * b[2] - a[2] * b[1]);
    out[1] += factor * (a[2] * b[0] - a[0] * b[2]);
    out[2] += factor * (a[0] * b[1] - a[1] * b[0]);
}

// C C
template <class Number>
inline void square(const Number (&c)[6], Number (&out)[6]) {
    out[0] = c[0] * c[0] + c[1] * c[1] + c[2] * c[2];
    out[1] = c[0] * c[1] + c[1] * c[3] + c[2] * c[4];
    out[2] = c[0] * c[2] + c[1] * c[4] + c[2] * c[5];
    out[3] = c[1] * c[1] + c[3] * c[3] + c[4] * c[4];
    out[4] = c[1] * c[2] + c[3] * c[4] + c[4] * c[5];
    out[5] = c[2] * c[2] + c[4] * c[4] + c[5] * c[5];
}

// tr A B
template <class Number>
inline Number trace_of_product(const Number (&a)[6], const Number (&b)[6]) {
    const Number across = a[1] * b[1] + a[2] * b[2] + a[4] * b[4];
    return a[0] * b[0] + a[3] * b[3] + a[5] * b[5] + across + across;
}

// out += the sum of the cross products of the columns of A and B, the axial vector of A B - B A
template <class Number>
inline void add_cross_of_columns(const Number (&a)[6], const Number (&b)[6], Number (&out)[3]) {
    out[0] += a[1] * b[2] - a[2] * b[1] + a[3] * b[4] - a[4] * b[3] + a[4] * b[5] - a[5] * b[4];
    out[1] += a[2] * b[0] - a[0] * b[2] + a[4] * b[1] - a[1] * b[4] + a[5] * b[2] - a[2] * b[5];
    out[2] += a[0] * b[1] - a[1] * b[0] + a[1] * b[3] - a[3] * b[1] + a[2] * b[4] - a[4] * b[2];
}

// The cofactors of C, whose product with C is det C times the identity; returns det C.
template <class Number>
inline Number cofactors(const Number (&c)[6], Number (&out)[6]) {
    out[0] = c[3] * c[5] - c[4] * c[4];
    out[1] = c[2] * c[4] - c[1] * c[5];
    out[2] = c[1] * c[4] - c[2] * c[3];
    out[3] = c[0] * c[5] - c[2] * c[2];
    out[4] = c[1] * c[2] - c[0] * c[4];
    out[5] = c[0] * c[3] - c[1] * c[1];
    return c[0] * out[0] + c[1] * out[1] + c[2] * out[2];
}

}  // namespace
