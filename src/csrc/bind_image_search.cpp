// Binds the search for edges of small frames to Python.
#include <nanobind/stl/optional.h>

#include <optional>

#include "bindings.hpp"
#include "image_search.hpp"
#include "workspace.hpp"

namespace anisoap {
namespace {

template <class T, nb::ssize_t... Shape>
using NumPyArray = nb::ndarray<nb::numpy, T, nb::shape<Shape...>, nb::c_contig>;

// An array that owns its memory.
template <class T>
T* release_to(nb::capsule& owner, std::size_t size) {
    T* memory = new T[size];
    owner = nb::capsule(memory, [](void* p) noexcept { delete[] static_cast<T*>(p); });
    return memory;
}

nb::object image_search(Array<const double, -1, 3> points, Indices types, double cutoff,
                        std::optional<Array<const double, 3, 3>> cell) {
    require(types.shape(0) == points.shape(0), "one type for each point");
    std::optional<ImageSearch> found;
    {
        nb::gil_scoped_release release;
        found.emplace(points.data(), types.data(), points.shape(0), cutoff, cell ? cell->data() : nullptr);
    }
    if (!found->is_served) return nb::none();
    const std::size_t n = found->neighbors.size();
    nb::capsule edges_owner, shifts_owner;
    std::int64_t* edges = release_to<std::int64_t>(edges_owner, 2 * n);
    std::copy(found->neighbors.begin(), found->neighbors.end(), edges);
    std::copy(found->centers.begin(), found->centers.end(), edges + n);
    double* shifts = release_to<double>(shifts_owner, 3 * n);
    std::copy(found->shifts.begin(), found->shifts.end(), shifts);
    return nb::make_tuple(NumPyArray<std::int64_t, 2, -1>(edges, {2, n}, edges_owner),
                          NumPyArray<double, -1, 3>(shifts, {n, 3}, shifts_owner));
}

}  // namespace

void define_image_search(nb::module_& m) {
    m.def("image_search", &image_search, nb::arg("points").noconvert(), nb::arg("types").noconvert(), "cutoff"_a,
          nb::arg("cell").noconvert().none(),
          "Edges [2, edge] and shifts [edge, 3] of an open frame or a cell; None for large or unusual ones.");
}

}  // namespace anisoap
