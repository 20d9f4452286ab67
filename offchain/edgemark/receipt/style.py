"""How the page of a receipt looks: one style sheet, light and dark, narrow, wide and on paper.

Nothing is ever wider than the page: what has no blank may break anywhere, and below 48rem each row
of a table of more than two columns is a card.
"""

STYLE = """
:root{color-scheme:light dark;--paper:#fbfaf7;--card:#fff;--ink:#1d2326;--soft:#5d686e;
--line:#e1ddd3;--warn:#7a4d00;--warn-soft:#fbf0d9;--good:#08704a;--good-soft:#e2f3ea;--bad:#b3261e;--bad-soft:#fbe6e4;
--flow-0:#2a7f9e;--flow-1:#7a5ea8;--flow-2:#4d9a6a;--flow-3:#c0453a;--flow-4:#b98a2f;
--flow-5:#5b6c8f}
@media (prefers-color-scheme:dark){:root{
--paper:#14181a;--card:#1c2225;--ink:#e8ecee;--soft:#9fabb1;
--line:#313a3f;--warn:#f0c36d;--warn-soft:#35290f;--good:#57d19a;--good-soft:#16352a;--bad:#ff8a80;--bad-soft:#3d1f1d;
--flow-0:#58b5d6;--flow-1:#b195e0;--flow-2:#7cc79a;--flow-3:#ef7a6e;--flow-4:#dcb25c;
--flow-5:#93a6cc}}
*{box-sizing:border-box}
body{margin:0;overflow-wrap:break-word;background:var(--paper);color:var(--ink);
font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif}
main,header,footer{max-width:64rem;margin:0 auto;padding:0 1.25rem}
header{padding-top:2.5rem}
h1{font-size:1.15rem;font-weight:600;margin:0;color:var(--soft)}
h2{font-size:1.25rem;margin:2.75rem 0 .75rem}
h3{font-size:1rem;margin:1.5rem 0 .5rem}
p{max-width:46rem}
.verdict{display:flex;gap:1rem;align-items:center;margin:.75rem 0 1rem;padding:1rem 1.25rem;
border-radius:.75rem;font-size:1.7rem;font-weight:700;line-height:1.2}
.verdict small{display:block;font-size:1rem;font-weight:400;margin-top:.25rem}
.verdict svg{flex:none;width:2.75rem;height:2.75rem}
.good{background:var(--good-soft);color:var(--good)}
.bad{background:var(--bad-soft);color:var(--bad)}
.facts{display:grid;margin:1rem 0;gap:.75rem;
grid-template-columns:repeat(auto-fit,minmax(9.5rem,1fr))}
.facts div,.about{background:var(--card);border:1px solid var(--line);border-radius:.6rem;
padding:.7rem .9rem}
.facts dt{color:var(--soft);font-size:.85rem}
.facts dd{margin:0;font-size:1.25rem;font-weight:600}
.caveat{background:var(--warn-soft);color:var(--warn);border-radius:.6rem;padding:.7rem .9rem;
max-width:none}
.about{margin:1rem 0;display:grid;gap:.35rem}
.about div{display:grid;grid-template-columns:minmax(6.5rem,12rem) minmax(0,1fr);gap:0 1rem}
.about dt{color:var(--soft)}
.about dd{margin:0}
.long{overflow-wrap:anywhere}
td .long{display:inline-block;min-width:14ch}
.card{background:var(--card);border:1px solid var(--line);border-radius:.6rem}
table{border-collapse:collapse;width:100%;font-size:.92rem}
th,td{text-align:left;padding:.45rem .8rem;vertical-align:top;border-top:1px solid var(--line)}
thead th{border-top:0;color:var(--soft);font-weight:600}
td.number,th.number{text-align:right;font-variant-numeric:tabular-nums}
tr.total td{font-weight:600;border-top:2px solid var(--line)}
tr.guilty td{background:var(--bad-soft)}
td ul{margin:0;padding-left:1.1rem}
td p{margin:.25rem 0 0}
td.short{white-space:nowrap}
.mark{font-weight:700}
.yes{color:var(--good)}.no{color:var(--bad)}
.gallery{display:grid;grid-template-columns:repeat(auto-fill,minmax(8.2rem,1fr));gap:.6rem;
list-style:none;padding:0;margin:.75rem 0}
.gallery li{min-width:0;background:var(--card);border:1px solid var(--line);border-radius:.6rem;
padding:.55rem}
.gallery li.off{border-color:var(--bad);box-shadow:0 0 0 1px var(--bad)}
.pair{display:flex;gap:.35rem}
.pixels{width:100%;aspect-ratio:1;image-rendering:pixelated;border-radius:.25rem;background:#000;
min-width:0;flex:1}
.answer{display:flex;flex-wrap:wrap;gap:0 .5rem;align-items:baseline;margin-top:.35rem}
.answer b{font-size:1.35rem;line-height:1;overflow-wrap:anywhere}
.answer>span{color:var(--soft);font-size:.8rem}
.flow{width:100%;height:auto;display:block;padding:.5rem 0}
.flow text{fill:var(--ink);font-size:13px;font-weight:600}
.flow .amount{fill:var(--soft);font-weight:400}
.ribbon{opacity:.45}.ribbon:hover{opacity:.8}
.flow-0{fill:var(--flow-0)}.flow-1{fill:var(--flow-1)}.flow-2{fill:var(--flow-2)}
.flow-3{fill:var(--flow-3)}.flow-4{fill:var(--flow-4)}.flow-5{fill:var(--flow-5)}
.flow-end{fill:var(--soft)}
details{margin:.75rem 0}
summary{cursor:pointer;color:var(--soft)}
footer{padding:2rem 1.25rem 3rem;color:var(--soft);font-size:.88rem}
.drawn{margin-bottom:1rem}
@media (max-width:48rem){
.drawn{display:none}
.rows thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
.rows,.rows tbody,.rows tr{display:block}
.rows tr{padding:.5rem 0;border-top:1px solid var(--line)}
.rows tr:first-child{border-top:0}
.rows tr.guilty{background:var(--bad-soft)}
.rows tr.total{border-top:2px solid var(--line)}
.rows td,.rows tr.total td{display:grid;grid-template-columns:6.5rem minmax(0,1fr);gap:0 .75rem;
padding:.15rem .8rem;border:0;text-align:left}
.rows td::before{content:attr(data-name);color:var(--soft);font-weight:400}
.rows td.none{display:none}
td .long{display:inline;min-width:0}
.verdict{font-size:1.35rem}
.about div{grid-template-columns:minmax(0,1fr)}
}
@media print{body{background:#fff}.card,.facts div,.gallery li{break-inside:avoid}}
"""
