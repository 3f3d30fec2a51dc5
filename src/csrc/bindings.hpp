// Shared by the files that bind kernels to Python. There are no torch headers: tensors arrive as NumPy arrays
// that share their memory.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include "instruction_sets.hpp"

namespace anisoap {

namespace nb = nanobind;
using namespace nb::literals;

template <class T, nb::ssize_t... Shape>
using Array = nb::ndarray<T, nb::shape<Shape...>, nb::c_contig, nb::device::cpu>;
template <class T>
using Orientations = nb::ndarray<const T, nb::c_contig, nb::device::cpu>;  // quaternions or matrices
using Indices = Array<const std::int64_t, -1>;

void define_gaussian_moments(nb::module_& m);
void define_sparse_product(nb::module_& m);
void define_pair_potentials(nb::module_& m);
void define_ellipsoid_densities(nb::module_& m);
void define_image_search(nb::module_& m);
void define_convolution(nb::module_& m);
void define_row_map(nb::module_& m);
void define_perceptron(nb::module_& m);
void define_pair_coordinates(nb::module_& m);

}  // namespace anisoap
